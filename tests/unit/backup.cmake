emr_test(test_backup_manifest SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_backup_manifest.c USES backup base crypto)
