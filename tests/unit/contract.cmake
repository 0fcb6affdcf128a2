set(contract_kit
	${CMAKE_CURRENT_LIST_DIR}/test_contract_kit.c
	${CMAKE_CURRENT_LIST_DIR}/test_contract_record.c
	${CMAKE_CURRENT_LIST_DIR}/test_contract_samples.c)
set(contract_uses contract hashsig base PkgConfig::sodium PkgConfig::jansson)
foreach(part format table parts batch run votes)
	emr_test(test_contract_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_contract_${part}.c ${contract_kit}
		USES ${contract_uses})
endforeach()
foreach(part keys revoked quota)
	emr_test(test_contract_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_contract_${part}.c ${CMAKE_CURRENT_LIST_DIR}/newcomer_kit.c ${contract_kit}
		USES ${contract_uses})
endforeach()
foreach(part who states succession recovery emergency guardian org forms points walk rules)
	emr_test(test_contract_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_contract_${part}.c
			${CMAKE_CURRENT_LIST_DIR}/test_contract_people.c ${contract_kit}
		USES ${contract_uses})
endforeach()
emr_test(test_contract_matrix
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_contract_matrix.c ${CMAKE_CURRENT_LIST_DIR}/matrix_world.c
		${CMAKE_CURRENT_LIST_DIR}/matrix_states.c
		${CMAKE_CURRENT_LIST_DIR}/test_contract_people.c ${contract_kit}
	USES ${contract_uses})
target_compile_definitions(test_contract_matrix PRIVATE EMR_MATRIX="${CMAKE_CURRENT_LIST_DIR}/contract_matrix.txt")
