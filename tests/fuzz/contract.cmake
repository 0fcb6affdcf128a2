emr_fuzz(fuzz_contract
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_contract.c ${CMAKE_CURRENT_LIST_DIR}/contract_item.c
	USES contract hashsig PkgConfig::sodium)
