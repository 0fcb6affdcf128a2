# Copies of DICOM files for research: what is planted is gone, pixels are the same, hostile files leave nothing.
add_executable(deidentify_files ${CMAKE_CURRENT_LIST_DIR}/deidentify_files.c)
target_link_libraries(deidentify_files PRIVATE emr_flags emr_deidentify emr_base)
if(NOT EMRFS_SANITIZE)
	add_test(NAME integration_deidentify COMMAND /usr/bin/python3 ${CMAKE_CURRENT_LIST_DIR}/deidentify.py
		$<TARGET_FILE:emrfs_deidentify> $<TARGET_FILE:deidentify_files>)
	set_tests_properties(integration_deidentify PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S})
endif()
