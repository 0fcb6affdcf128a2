include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
emr_test(test_takeover
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_takeover.c ${CMAKE_CURRENT_LIST_DIR}/view_kit.c
	USES stack view settle ledger contract crypto Threads::Threads
	LINK_OPTIONS -Wl,--wrap=emr_ledger_submit)
emr_test(test_cmd_switch SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cmd_switch.c
	USES session base keyring PkgConfig::jansson Threads::Threads
	LINK_OPTIONS -Wl,--wrap=renameat,--wrap=renameat2,--wrap=unlinkat)
emr_test(test_stage SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_stage.c
	USES session base PkgConfig::jansson Threads::Threads
	LINK_OPTIONS -Wl,--wrap=renameat)
