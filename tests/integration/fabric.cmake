# Tests that need real peers and orderers. The programs of Fabric are built from the module proxy by tests/run, which says where they are; by hand it is
# cmake -DEMRFS_FABRIC=DIR with what examples/network/fabric build says.
if(EMRFS_SANITIZE) # Go has none of the sanitizers
	return()
endif()
set(EMRFS_FABRIC "$ENV{EMRFS_FABRIC}" CACHE PATH "Where peer, orderer, configtxgen, configtxlator and osnadmin of Hyperledger Fabric 3.1 are, or its bin")
if(NOT EMRFS_FABRIC)
	return()
endif()
set(ci fabric fabric_backend) # with CI=true these alone, which show each thing once
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
set(fabric "FABRIC=${EMRFS_FABRIC};CHAINCODE=${chaincodes}/emr-chaincode;VERIFY_AUDIT=$<TARGET_FILE:verify-audit>")
emr_real(fabric 130 chaincode "${fabric};PROGRAMS=${chaincodes}" ${CMAKE_CURRENT_LIST_DIR}/fabric.sh)
set(backend ${CMAKE_BINARY_DIR}/ledger-client/fabric)
add_test(NAME backend_is_built COMMAND sh -c "\"$0\" \"$1\" && exec \"$0\" \"$@\"" ${PROJECT_SOURCE_DIR}/ledger-client/fabric/build ${backend}
	${PROJECT_SOURCE_DIR}/tests/conformance/backend)
set_tests_properties(backend_is_built PROPERTIES LABELS conformance TIMEOUT 3600 COST 160 FIXTURES_SETUP backend PROCESSORS ${EMR_WORKS})
emr_real(fabric_backend 150 "chaincode;backend" "${fabric};BACKEND=${backend};CHANNEL_KIND=raft" ${CMAKE_CURRENT_LIST_DIR}/fabric_backend.sh)
emr_real(fabric_backend_bft 150 "chaincode;backend" "${fabric};BACKEND=${backend};CHANNEL_KIND=bft" ${CMAKE_CURRENT_LIST_DIR}/fabric_backend.sh)
