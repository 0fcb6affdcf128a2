# The client of Fabric's gateways, as far as it is a function of bytes.
emr_test(test_gateway_wire SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_wire.c
	USES gateway base PkgConfig::jansson PkgConfig::sodium
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
emr_test(test_gateway_transaction
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_transaction.c ${CMAKE_CURRENT_LIST_DIR}/cert_kit.c
		${PROJECT_SOURCE_DIR}/tests/conformance/msp_identity.c
	USES gateway keyring hashsig base OpenSSL::Crypto http PkgConfig::jansson PkgConfig::sodium
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway ${PROJECT_SOURCE_DIR}/keyring ${PROJECT_SOURCE_DIR}/tests/conformance)
emr_test(test_gateway_moved SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_moved.c USES ledger_kit gateway http)
emr_test(test_gateway_observer
	SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_observer.c ${CMAKE_CURRENT_LIST_DIR}/cert_kit.c
	USES ledger_kit gateway OpenSSL::Crypto http INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
emr_test(test_gateway_carried SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_carried.c USES gateway base)
emr_test(test_gateway_orderers SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_orderers.c
	USES gateway base http OpenSSL::Crypto PkgConfig::jansson PkgConfig::sodium
	INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
emr_test(test_gateway_lacking SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_gateway_lacking.c
	USES gateway ledger contract base http Threads::Threads INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
