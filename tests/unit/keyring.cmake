foreach(part keyring content keyfile words cert card share access access_lies held invite code coowned succession trustees guardian)
	emr_test(test_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_${part}.c
		USES keyring contract crypto base PkgConfig::jansson PkgConfig::sodium OpenSSL::Crypto
		INCLUDES ${PROJECT_SOURCE_DIR}/keyring ${PROJECT_SOURCE_DIR}/keyring/crypto)
endforeach()
emr_test(test_exhaustion SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_exhaustion.c
	USES keyring crypto base PkgConfig::jansson PkgConfig::sodium OpenSSL::Crypto
	INCLUDES ${PROJECT_SOURCE_DIR}/keyring
	LINK_OPTIONS -Wl,--wrap=calloc,--wrap=realloc)
emr_test(test_release SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_release.c
	USES keyring contract crypto base PkgConfig::jansson PkgConfig::sodium OpenSSL::Crypto Threads::Threads
	INCLUDES ${PROJECT_SOURCE_DIR}/keyring)
emr_test(test_share_exhaustion SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_share_exhaustion.c
	USES keyring crypto base PkgConfig::jansson PkgConfig::sodium OpenSSL::Crypto
	INCLUDES ${PROJECT_SOURCE_DIR}/keyring
	LINK_OPTIONS -Wl,--wrap=calloc,--wrap=realloc,--wrap=sodium_malloc)
emr_test(test_cert_chain SOURCES ${CMAKE_CURRENT_LIST_DIR}/test_cert_chain.c ${CMAKE_CURRENT_LIST_DIR}/cert_kit.c
	USES keyring crypto base PkgConfig::sodium OpenSSL::Crypto INCLUDES ${PROJECT_SOURCE_DIR}/keyring)
