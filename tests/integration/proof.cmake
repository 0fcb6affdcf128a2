# Evidence that leaves the computer, and what every later program must open.
foreach(part proof car nodes releases)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
	set_tests_properties(integration_${part} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>;RELEASES=${PROJECT_SOURCE_DIR}/tests/releases")
endforeach()
