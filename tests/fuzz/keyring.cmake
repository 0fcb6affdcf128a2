foreach(part keyfile words cert hpke reencrypt card grant access letters invite code guardian)
	emr_fuzz(fuzz_${part} SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_${part}.c
		USES keyring crypto base OpenSSL::Crypto INCLUDES ${PROJECT_SOURCE_DIR}/keyring)
endforeach()
