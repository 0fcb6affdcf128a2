# Programs that read strangers' files, and the sandbox that they are in.
emr_test(test_helper SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_helper.c
	USES helper helper_inside base)
