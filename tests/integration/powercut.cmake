include(${PROJECT_SOURCE_DIR}/tests/support/emr_stack.cmake)
add_executable(powercut_driver ${PROJECT_SOURCE_DIR}/tests/fault/powercut_driver.c
	${PROJECT_SOURCE_DIR}/tests/fault/powercut_model.c)
target_link_libraries(powercut_driver PRIVATE emr_flags emr_stack)
