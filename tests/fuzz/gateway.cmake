emr_fuzz(fuzz_gateway_answers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_gateway_answers.c
	USES gateway http OpenSSL::Crypto INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
emr_fuzz(fuzz_channel_way SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_channel_way.c USES gateway)
emr_fuzz(fuzz_gateway_orderers SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_gateway_orderers.c
	USES gateway http OpenSSL::Crypto INCLUDES ${PROJECT_SOURCE_DIR}/ledger-client/gateway)
