emr_fuzz(fuzz_channel_answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_channel_answers.c USES channel INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/channel)
