emr_fuzz(fuzz_backup SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_backup.c USES backup base)
