# Only the calls of our own libraries are wrapped: SQLite and libsodium keep theirs.
emr_test(fault_store
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/store_faults.c ${PROJECT_SOURCE_DIR}/tests/unit/store_kit.c
	USES journal Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/tests/unit ${PROJECT_SOURCE_DIR}/fs/store
	LINK_OPTIONS -Wl,--wrap=pwritev64,--wrap=pwrite64,--wrap=pread64,--wrap=fdatasync,--wrap=fsync,--wrap=sync_file_range
		-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc
	LABELS fault)
