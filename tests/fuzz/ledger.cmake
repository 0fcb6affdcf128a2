emr_fuzz(fuzz_admit SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_admit.c USES ledger)
emr_fuzz(fuzz_checkpoint SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_checkpoint.c USES ledger)
emr_fuzz(fuzz_restart SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_restart.c USES ledger)
emr_fuzz(fuzz_follow SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_follow.c USES ledger contract)
emr_fuzz(fuzz_mark SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_mark.c USES replica ledger
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/replica)
emr_fuzz(fuzz_application SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_application.c USES ledger)
emr_fuzz(fuzz_rules SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_rules.c USES replica)
