foreach(name deidentify deidentify_check deidentify_pixels deidentify_headed)
	emr_fuzz(fuzz_${name} SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_${name}.c
		USES deidentify_copy base INCLUDES ${PROJECT_SOURCE_DIR}/fs/helper/deidentify)
endforeach()
