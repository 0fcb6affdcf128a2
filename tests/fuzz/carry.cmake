emr_fuzz(fuzz_carry SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_carry.c USES carry keyring contract base)
