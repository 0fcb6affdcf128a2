# The client of Fabric's gateways against one on Fabric's own message types and grpc-go, which chaincode.cmake has built.
add_library(emr_msp_identity STATIC ${CMAKE_CURRENT_LIST_DIR}/msp_identity.c)
target_include_directories(emr_msp_identity PUBLIC ${CMAKE_CURRENT_LIST_DIR} ${PROJECT_SOURCE_DIR}/tests/support PRIVATE ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
target_link_libraries(emr_msp_identity PRIVATE emr_flags PUBLIC emr_gateway OpenSSL::Crypto)
foreach(program gateway_calls gateway_sends)
	add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.c)
	target_link_libraries(${program} PRIVATE emr_flags emr_msp_identity PkgConfig::cmocka Threads::Threads)
endforeach()
# Against real peers: tests/integration/fabric_gateway.sh and fabric_storm.sh.
add_library(emr_live_kit STATIC ${CMAKE_CURRENT_LIST_DIR}/live_kit.c ${PROJECT_SOURCE_DIR}/tests/unit/cert_kit.c)
target_include_directories(emr_live_kit PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
target_link_libraries(emr_live_kit PRIVATE emr_flags PUBLIC emr_msp_identity emr_ledger_kit OpenSSL::Crypto PkgConfig::cmocka Threads::Threads)
foreach(program gateway_live gateway_storm gateway_hostile)
	add_executable(${program} ${CMAKE_CURRENT_LIST_DIR}/${program}.c)
	target_link_libraries(${program} PRIVATE emr_flags emr_live_kit)
endforeach()
target_include_directories(gateway_hostile PRIVATE ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
target_link_libraries(gateway_hostile PRIVATE emr_http)
# The reader of blocks at the end of a pipe, beside one on Fabric's own types.
add_executable(gateway_reads ${CMAKE_CURRENT_LIST_DIR}/gateway_reads.c)
target_include_directories(gateway_reads PRIVATE ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
target_link_libraries(gateway_reads PRIVATE emr_flags emr_msp_identity emr_http emr_hashsig emr_base)
# Letters over the contract as chaincode, on a network that the peer plays.
add_executable(conformance_letters ${CMAKE_CURRENT_LIST_DIR}/letters.c)
target_include_directories(conformance_letters PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
target_link_libraries(conformance_letters PRIVATE emr_flags emr_gateway emr_ledger emr_hashsig PkgConfig::cmocka)
if(EMRFS_SANITIZE) # Go has none of the sanitizers; the peer of another build can be given to gateway.sh by hand
	return()
endif()
set(peer ${CMAKE_BINARY_DIR}/ledger-client/chaincode/gateway_peer)
add_test(NAME conformance_gateway COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/gateway.sh ${peer}
	$<TARGET_FILE:gateway_calls> $<TARGET_FILE:gateway_sends>)
add_test(NAME conformance_letters COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/letters.sh ${peer} $<TARGET_FILE:conformance_letters>)
add_test(NAME conformance_gateway_reads COMMAND ${peer} reads $<TARGET_FILE:gateway_reads> 60)
add_test(NAME conformance_gateway_hostile COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/played.sh ${peer} $<TARGET_FILE:gateway_hostile>)
add_test(NAME conformance_gateway_joins COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/played.sh ${peer} $<TARGET_FILE:gateway_joins> alone)
add_test(NAME gateway_vectors_are_what_fabrics_types_make COMMAND bash -c
	"\"$1\" vectors | cmp - \"$2\"" _ ${peer} ${PROJECT_SOURCE_DIR}/tests/vectors/gateway.json)
set_tests_properties(conformance_gateway conformance_gateway_reads conformance_gateway_hostile conformance_gateway_joins conformance_letters gateway_vectors_are_what_fabrics_types_make PROPERTIES LABELS conformance
	TIMEOUT ${EMR_PATIENCE_S} FIXTURES_REQUIRED chaincode)
