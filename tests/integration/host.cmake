# A practice without Fabric, and its members elsewhere.
foreach(what host host_members)
	add_test(NAME integration_${what} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${what}.sh)
	set_tests_properties(integration_${what} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
