emr_test(test_journal
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_journal.c ${CMAKE_CURRENT_LIST_DIR}/store_kit.c
	USES journal Threads::Threads)
