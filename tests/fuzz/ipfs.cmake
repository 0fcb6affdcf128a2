emr_fuzz(fuzz_ipfs_answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_ipfs_answers.c USES ipfs http
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/store/nodes/ipfs)
emr_fuzz(fuzz_copies SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_copies.c USES publisher base
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/store/nodes/publisher)
