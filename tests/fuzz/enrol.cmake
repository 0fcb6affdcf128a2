emr_fuzz(fuzz_enrol_answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_enrol_answers.c USES enrol keyring PkgConfig::jansson
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/enrol)
