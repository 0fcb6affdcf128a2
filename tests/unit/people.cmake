emr_test(test_people SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_people.c USES ledger_kit)
