# The Debian package, and what its log-in unit relies on.
if(NOT EMRFS_SANITIZE)
	add_test(NAME debian_package COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/package.sh ${PROJECT_BINARY_DIR})
	set_tests_properties(debian_package PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 COST 30)
	add_test(NAME integration_units COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/units.sh ${PROJECT_BINARY_DIR})
	set_tests_properties(integration_units PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 COST 40)
	add_test(NAME integration_desktop COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/desktop.sh)
	set_tests_properties(integration_desktop PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;DESKTOP=${PROJECT_BINARY_DIR}/fs/tell/desktop;TOOLS=${PROJECT_BINARY_DIR}/tests/tools")
	add_test(NAME integration_tell COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/tell.sh)
	set_tests_properties(integration_tell PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
	add_test(NAME integration_entries COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/entries.sh)
	set_tests_properties(integration_entries PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TRANSLATIONS=${PROJECT_BINARY_DIR}/po")
	add_test(NAME integration_traces COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/traces.sh)
	set_tests_properties(integration_traces PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
	add_test(NAME integration_service COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/service.sh)
	set_tests_properties(integration_service PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
endif()
