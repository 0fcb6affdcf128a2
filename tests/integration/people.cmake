# People, their cards and the number they compare.
add_test(NAME integration_people COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/people.sh)
set_tests_properties(integration_people PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# A network of several members over a host.
add_test(NAME integration_network COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/network.sh)
set_tests_properties(integration_network PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# Organisations and the services that release keys.
add_executable(share_peer ${CMAKE_CURRENT_LIST_DIR}/share_peer.c ${PROJECT_SOURCE_DIR}/tests/unit/forge_kit.c)
target_include_directories(share_peer PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit ${PROJECT_SOURCE_DIR}/tests/support ${PROJECT_SOURCE_DIR}/fs/record)
target_link_libraries(share_peer PRIVATE emr_flags PkgConfig::cmocka emr_sharing emr_network emr_people emr_session emr_share emr_replica emr_ledger emr_settle emr_record emr_keyring emr_base)
add_executable(come_again ${CMAKE_CURRENT_LIST_DIR}/come_again.c)
target_link_libraries(come_again PRIVATE emr_flags emr_network emr_session emr_replica emr_ledger emr_keyring emr_base)
add_executable(propose ${CMAKE_CURRENT_LIST_DIR}/propose.c)
target_link_libraries(propose PRIVATE emr_flags emr_network emr_session emr_replica emr_ledger emr_keyring emr_base)
foreach(part agents org_agent orgs proposals)
	add_test(NAME integration_${part} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${part}.sh)
endforeach()
set_tests_properties(integration_agents integration_org_agent integration_orgs integration_proposals PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;PEER=$<TARGET_FILE:share_peer>;AGAIN=$<TARGET_FILE:come_again>;PROPOSE=$<TARGET_FILE:propose>")
# Two computers of one person.
add_test(NAME integration_device COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/device.sh)
set_tests_properties(integration_device PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools")
# emrfs as its owner may have changed it.
add_executable(dishonest ${CMAKE_CURRENT_LIST_DIR}/dishonest.c ${PROJECT_SOURCE_DIR}/fs/main.c)
target_compile_definitions(dishonest PRIVATE EMRFS_VERSION="${PROJECT_VERSION}")
target_include_directories(dishonest PRIVATE ${PROJECT_SOURCE_DIR}/fs/share ${PROJECT_SOURCE_DIR}/keyring ${PROJECT_SOURCE_DIR}/ledger-client/served)
target_link_libraries(dishonest PRIVATE emr_flags emr_verbs emr_share emr_served emr_keyring emr_crypto)
target_link_options(dishonest PRIVATE -Wl,--wrap=agency_send,--wrap=agency_shred,--wrap=ask_combine,--wrap=desk_judge,--wrap=emr_embedded_take,--wrap=emr_fragment_convert,--wrap=emr_release_run,--wrap=emr_replica_person_is_active,--wrap=served_check_reader)
# Tests of requests, releases and openings and of the evidence of them; and of who releases while the owner is away.
if(TARGET verify-audit)
	add_test(NAME integration_accesses COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/accesses.sh)
	add_test(NAME integration_away COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/away.sh)
	add_test(NAME integration_guardian COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/guardian.sh)
	add_test(NAME integration_guardian_host COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/guardian_host.sh)
	add_test(NAME integration_emergency_host COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/emergency_host.sh)
	set_tests_properties(integration_accesses integration_away integration_guardian integration_guardian_host integration_emergency_host PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;DISHONEST=$<TARGET_FILE:dishonest>;TOOLS=${CMAKE_BINARY_DIR}/tests/tools;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
endif()
add_test(NAME integration_card COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/card.sh)
set_tests_properties(integration_card PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
	ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;DESKTOP=${PROJECT_BINARY_DIR}/fs/tell/desktop")
