emr_test(test_ledger_checkpoint SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_checkpoint.c
	USES ledger keyring PkgConfig::sodium)
emr_test(test_ledger_network SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_network.c USES ledger_kit)
emr_test(test_ledger_release SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_release.c USES ledger_kit
	DEFINES EMR_RELEASES_DIR="${PROJECT_SOURCE_DIR}/tests/releases")
emr_test(test_hand_in SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_hand_in.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
	USES ledger_kit Threads::Threads)
emr_test(test_restart SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_restart.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
	USES ledger_kit PkgConfig::sodium)
emr_test(test_ahead SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ahead.c ${CMAKE_CURRENT_LIST_DIR}/rogue_kit.c ${CMAKE_CURRENT_LIST_DIR}/folk_kit.c
	USES ledger_kit Threads::Threads LINK_OPTIONS -Wl,--wrap=emr_header_is_signed,--wrap=sched_getaffinity,--wrap=pthread_create)
emr_test(test_ledger_copy SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_copy.c USES ledger_kit)
emr_test(test_ledger_host SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_ledger_host.c USES ledger_kit)
emr_test(test_welcome SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_welcome.c USES ledger_kit)
emr_test(test_admission SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_admission.c USES ledger_kit)
emr_test(test_points_together SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_points_together.c ${CMAKE_CURRENT_LIST_DIR}/points_kit.c USES ledger_kit NOT_TSAN)
emr_test(test_sql SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_sql.c USES ledger PkgConfig::sqlite3)
emr_test(test_served_address SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_served_address.c USES served ledger_kit)
emr_test(test_served_settings
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_served_settings.c
	USES served_client)
