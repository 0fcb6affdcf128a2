set(contract_kit ${CMAKE_CURRENT_LIST_DIR}/test_contract_kit.c)
set(contract_uses contract hashsig base PkgConfig::sodium PkgConfig::jansson)
foreach(part format table keys batch)
	emr_test(test_contract_${part}
		SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_contract_${part}.c ${contract_kit}
		USES ${contract_uses})
endforeach()
