emr_test(test_record_staging
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_staging.c ${CMAKE_CURRENT_LIST_DIR}/record_kit.c
	USES record crypto Threads::Threads)
