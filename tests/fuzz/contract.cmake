emr_fuzz(fuzz_contract
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_contract.c
	USES contract hashsig PkgConfig::sodium)
