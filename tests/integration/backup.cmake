# A second copy on another disk.
foreach(part backup backup_blocks backup_kill backup_same_disk restore restore_older rot rot_blocks rot_rounds rot_tables)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
	set_tests_properties(integration_${part} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
endforeach()
