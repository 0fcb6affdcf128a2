# One asks another for access.
add_test(NAME integration_requests COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/requests.sh)
set_tests_properties(integration_requests PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# A FHIR Consent that is copied into the folder.
add_test(NAME integration_consent COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/consent.sh)
set_tests_properties(integration_consent PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# The example with two hospitals, three patients, a doctor and a pharmacist.
add_test(NAME integration_two_clinics COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/two_clinics.sh)
set_tests_properties(integration_two_clinics PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# The page doc/papers.md: its answers, and each command in it.
add_test(NAME integration_papers COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/papers.sh)
set_tests_properties(integration_papers PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>")
# Every command of doc/tour.md.
add_test(NAME integration_tour COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/tour.sh)
set_tests_properties(integration_tour PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
