# Folders on a Fabric network that one program of the tests plays, with the contract as its chaincode.  Most run on real peers, too, below; fabric_said, fabric_doubt and
# fabric_parts do not, because their gateways lie, lose parts or refuse when they are told to; nor does
# fabric_ended, whose real run was never seen to its end.
if(NOT EMRFS_SANITIZE) # Go has none of the sanitizers
	foreach(script fabric_begun fabric_folder fabric_anywhere fabric_orgs fabric_renew fabric_backup fabric_proof fabric_agents fabric_invite fabric_device
			fabric_check fabric_clock fabric_doubt fabric_ended fabric_parts fabric_said fabric_silent fabric_move fabric_rules papers)
		add_test(NAME integration_${script} COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
		set_tests_properties(integration_${script} PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77 FIXTURES_REQUIRED chaincode
			ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;EMRFS_FIRST=$<TARGET_FILE:emrfs_first>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
	endforeach()
	add_test(NAME integration_fabric_nodes COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/fabric_nodes.sh)
	set_tests_properties(integration_fabric_nodes PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED "chaincode;kubo"
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
	add_test(NAME integration_away_fabric COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/away.sh fabric)
	set_tests_properties(integration_away_fabric PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
		FIXTURES_REQUIRED "chaincode;kubo"
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;DISHONEST=$<TARGET_FILE:dishonest>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
	if(NOT EMRFS_FABRIC) # two_clinics_real is the same, line by line
		add_test(NAME integration_two_clinics_fabric COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/two_clinics.sh fabric)
		set_tests_properties(integration_two_clinics_fabric PROPERTIES LABELS integration TIMEOUT ${EMR_PATIENCE_S} SKIP_RETURN_CODE 77
			FIXTURES_REQUIRED "chaincode;kubo"
			ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;FABRIC=;PEER=${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer")
	endif()
else()
	return()
endif()
# These tests need the programs of Fabric: tests/run builds them from the module proxy and says where they are; by hand it is
# cmake -DEMRFS_FABRIC=DIR -DEMRFS_FABRIC_CA=PROGRAM with what examples/network/fabric build and build ca say.  CI=true has those that show each
# thing once, and those with scenes of real peers only, as fabric_check; faults and storms that take long, and what the played network
# shows as well run without it.
set(EMRFS_FABRIC "$ENV{EMRFS_FABRIC}" CACHE PATH "Where peer, orderer, configtxgen, configtxlator and osnadmin of Hyperledger Fabric 3.1 are, or its bin")
set(ci fabric fabric_anywhere_real fabric_orgs_real fabric_faults_bft_real two_clinics_real
	fabric_check_real fabric_whole fabric_move_real fabric_backend)
# NAME COST FIXTURES ENVIRONMENT COMMAND...: one network at a time, because two on two cores starve each other
function(emr_real name cost fixtures environment)
	if("$ENV{CI}" STREQUAL "true" AND NOT name IN_LIST ci)
		return()
	endif()
	add_test(NAME integration_${name} COMMAND bash ${ARGN})
	set_tests_properties(integration_${name} PROPERTIES LABELS integration TIMEOUT 3600 COST ${cost} RESOURCE_LOCK real_fabric
		FIXTURES_REQUIRED "${fixtures}" PROCESSORS ${EMR_WORKS} SKIP_RETURN_CODE 77
		ENVIRONMENT "EMRFS=$<TARGET_FILE:emrfs>;${environment}")
endfunction()
set(chaincodes ${CMAKE_BINARY_DIR}/ledger-client/chaincode)
if(NOT EMRFS_FABRIC)
	return()
endif()
set(fabric "FABRIC=${EMRFS_FABRIC};CHAINCODE=${chaincodes}/emr-chaincode;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
emr_real(fabric 130 chaincode "${fabric};PROGRAMS=${chaincodes}" ${CMAKE_CURRENT_LIST_DIR}/fabric.sh)
emr_real(fabric_gateway 75 chaincode "${fabric};LIVE=$<TARGET_FILE:gateway_live>" ${CMAKE_CURRENT_LIST_DIR}/fabric_gateway.sh)
emr_real(fabric_joins_real 75 chaincode "${fabric};LIVE=$<TARGET_FILE:gateway_joins>" ${CMAKE_CURRENT_LIST_DIR}/fabric_gateway.sh)
emr_real(fabric_hostile_real 150 chaincode "${fabric};HOSTILE=$<TARGET_FILE:gateway_hostile>;PEER=${chaincodes}/gateway_peer" ${CMAKE_CURRENT_LIST_DIR}/fabric_hostile.sh)
emr_real(fabric_storm_real 160 chaincode "${fabric};STORM=$<TARGET_FILE:gateway_storm>" ${CMAKE_CURRENT_LIST_DIR}/fabric_storm.sh)
emr_real(fabric_faults_real 90 chaincode "${fabric};CHANNEL_KIND=raft" ${CMAKE_CURRENT_LIST_DIR}/fabric_faults.sh)
emr_real(fabric_faults_bft_real 100 chaincode "${fabric};CHANNEL_KIND=bft" ${CMAKE_CURRENT_LIST_DIR}/fabric_faults.sh)
set(backend ${CMAKE_BINARY_DIR}/ledger-client/fabric)
add_test(NAME backend_is_built COMMAND sh -c "\"$0\" \"$1\" && exec \"$0\" \"$@\"" ${PROJECT_SOURCE_DIR}/ledger-client/fabric/build ${backend}
	${PROJECT_SOURCE_DIR}/tests/conformance/backend)
set_tests_properties(backend_is_built PROPERTIES LABELS conformance TIMEOUT 3600 COST 160 FIXTURES_SETUP backend PROCESSORS ${EMR_WORKS})
emr_real(fabric_backend 150 "chaincode;backend" "${fabric};BACKEND=${backend};CHANNEL_KIND=raft" ${CMAKE_CURRENT_LIST_DIR}/fabric_backend.sh)
emr_real(fabric_backend_bft 150 "chaincode;backend" "${fabric};BACKEND=${backend};CHANNEL_KIND=bft" ${CMAKE_CURRENT_LIST_DIR}/fabric_backend.sh)
if(EMRFS_FABRIC_CA)
	emr_real(fabric_renew_real 300 chaincode "${fabric};FABRIC_CA=${EMRFS_FABRIC_CA}" ${CMAKE_CURRENT_LIST_DIR}/fabric_renew.sh)
	emr_real(fabric_whole 150 "chaincode;kubo" "FABRIC=${EMRFS_FABRIC};FABRIC_CA=${EMRFS_FABRIC_CA}" ${CMAKE_CURRENT_LIST_DIR}/fabric_whole.sh)
endif()
foreach(script fabric_anywhere fabric_orgs fabric_backup fabric_check fabric_proof fabric_agents fabric_device fabric_clock
		fabric_begun fabric_folder fabric_silent fabric_invite fabric_move)
	emr_real(${script}_real 150 chaincode "${fabric}" ${CMAKE_CURRENT_LIST_DIR}/${script}.sh)
endforeach()
emr_real(fabric_nodes_real 150 "chaincode;kubo" "${fabric}" ${CMAKE_CURRENT_LIST_DIR}/fabric_nodes.sh)
emr_real(away_real 150 "chaincode;kubo" "${fabric};DISHONEST=$<TARGET_FILE:dishonest>" ${CMAKE_CURRENT_LIST_DIR}/away.sh fabric)
emr_real(two_clinics_real 150 "chaincode;kubo" "${fabric}" ${CMAKE_CURRENT_LIST_DIR}/two_clinics.sh fabric)
