# The contract against the story of the second model and the recorded batches, with the kit of the unit tests (a host in memory).
set(contract_kit_dir ${PROJECT_SOURCE_DIR}/tests/unit)
# The same batches by a program that knows the first rules only: it judges alike what those judged, and nothing else.
emr_test(contract_recorded_first
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/contract_recorded.c ${contract_kit_dir}/test_contract_kit.c
		${contract_kit_dir}/test_contract_record.c $<TARGET_OBJECTS:contract_first>
	USES contract hashsig base PkgConfig::sodium PkgConfig::jansson
	INCLUDES ${contract_kit_dir}
	DEFINES EMR_CONTRACT_CASES="${CMAKE_CURRENT_LIST_DIR}/contract"
	LABELS conformance)
foreach(part story recorded)
	emr_test(contract_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/contract_${part}.c ${contract_kit_dir}/test_contract_kit.c
			${contract_kit_dir}/test_contract_record.c
		USES contract hashsig base PkgConfig::sodium PkgConfig::jansson
		INCLUDES ${contract_kit_dir}
		DEFINES EMR_CONTRACT_CASES="${CMAKE_CURRENT_LIST_DIR}/contract"
		LABELS conformance)
endforeach()
