# Teams and organisations as those with whom something is shared.
add_test(NAME integration_teams COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/teams.sh)
set_tests_properties(integration_teams PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# An organisation that released keys and is a member no more.
add_test(NAME integration_handover COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/handover.sh)
set_tests_properties(integration_handover PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# Datasets: who calls, who takes part, who reads.
add_test(NAME integration_dataset COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset.sh)
set_tests_properties(integration_dataset PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# A dataset of copies: what is given, what is withheld, what a reader finds.
add_test(NAME integration_dataset_deidentified COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_deidentified.sh)
set_tests_properties(integration_dataset_deidentified PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
# Programs of researchers on a dataset.
add_test(NAME integration_dataset_tools COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_tools.sh)
set_tests_properties(integration_dataset_tools PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# The example of a hospital that calls, three patients and a researcher.
add_test(NAME integration_study COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/study.sh)
set_tests_properties(integration_study PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# Copies of files that come later, and of those that go.
add_test(NAME integration_dataset_update COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_update.sh)
set_tests_properties(integration_dataset_update PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
# A frozen state of five participants, through saves, a withdrawal and a return.
add_test(NAME integration_dataset_frozen COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_frozen.sh)
set_tests_properties(integration_dataset_frozen PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
# A participant leaves a dataset, or the program is killed, in the middle.
add_test(NAME integration_dataset_middle COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_middle.sh)
set_tests_properties(integration_dataset_middle PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
# A participant joins a dataset again, or erases in it.
add_test(NAME integration_dataset_again COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_again.sh)
set_tests_properties(integration_dataset_again PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
add_test(NAME integration_dataset_second COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_second.sh)
set_tests_properties(integration_dataset_second PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
add_test(NAME integration_dataset_twins COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/dataset_twins.sh)
set_tests_properties(integration_dataset_twins PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;DEIDENTIFY=$<TARGET_FILE:emrfs_deidentify>")
# Somebody without any key reads a copy of the ledger.
add_test(NAME integration_ledger_told COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/ledger_told.sh)
set_tests_properties(integration_ledger_told PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
