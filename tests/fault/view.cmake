include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(view_faults
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/view_faults.c ${PROJECT_SOURCE_DIR}/tests/unit/view_kit.c
	USES stack view settle ledger contract crypto PkgConfig::sqlite3 Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/tests/unit
	LABELS fault COST 60
	LINK_OPTIONS -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup
		-Wl,--wrap=pwrite64,--wrap=pwritev64,--wrap=fdatasync,--wrap=fsync,--wrap=rename,--wrap=renameat
		-Wl,--wrap=sqlite3_step)
emr_test(view_flips
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/flips.c ${PROJECT_SOURCE_DIR}/tests/unit/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/tests/unit
	LABELS fault)
