set(kit ${CMAKE_CURRENT_LIST_DIR}/record_kit.c)
emr_test(test_record_format
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_format.c
	USES record crypto PkgConfig::jansson Threads::Threads)
emr_test(test_record_staging
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_record_staging.c ${kit}
	USES record crypto Threads::Threads)
