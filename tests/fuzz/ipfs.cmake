emr_fuzz(fuzz_ipfs_answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_ipfs_answers.c USES ipfs PkgConfig::curl
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/ipfs)
