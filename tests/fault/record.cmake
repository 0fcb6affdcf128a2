emr_test(record_faults
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/record_faults.c ${PROJECT_SOURCE_DIR}/tests/unit/record_kit.c
	USES record crypto Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/tests/unit ${PROJECT_SOURCE_DIR}/fs/record
	LABELS fault
	LINK_OPTIONS -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=fdatasync,--wrap=fsync
		-Wl,--wrap=renameat,--wrap=emr_pwrite_all,--wrap=emr_block_store_put)
