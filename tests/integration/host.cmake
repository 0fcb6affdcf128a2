# A practice without Fabric.
foreach(script host host_bad practice)
	add_test(NAME integration_${script} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
	set_tests_properties(integration_${script} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
endforeach()
