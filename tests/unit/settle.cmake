emr_test(test_settle_format
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_settle_format.c
	USES view settle contract Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/fs/settle ${PROJECT_SOURCE_DIR}/fs/view)
