# The examples for hospitals: what is sent into Inboxes, a clinic's gateway for Windows, and a view for C-FIND and C-MOVE.
foreach(part deposit deposit_alike deposit_strange deposit_study deposit_whose gateway pacs)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
	set_tests_properties(integration_${part} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
