emr_test(test_fuse_wait SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_fuse_wait.c
	USES fuse base PkgConfig::fuse3 Threads::Threads INCLUDES ${PROJECT_SOURCE_DIR}/fs/fuse
	LINK_OPTIONS -Wl,--wrap=fuse_reply_err -Wl,--wrap=fuse_req_interrupt_func)
emr_test(test_fuse_caller SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_fuse_caller.c USES fuse base)
emr_test(test_fuse_told SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_fuse_told.c
	USES fuse base INCLUDES ${PROJECT_SOURCE_DIR}/fs/fuse)
emr_test(test_fuse_names SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_fuse_names.c
	USES fuse base PkgConfig::fuse3 Threads::Threads INCLUDES ${PROJECT_SOURCE_DIR}/fs/fuse
	LINK_OPTIONS -Wl,--wrap=session_of -Wl,--wrap=emr_view_lookup -Wl,--wrap=emr_view_each_entry
		-Wl,--wrap=emr_view_await -Wl,--wrap=fuse_req_interrupt_func
		-Wl,--wrap=fuse_reply_entry -Wl,--wrap=fuse_reply_buf -Wl,--wrap=fuse_reply_err)
