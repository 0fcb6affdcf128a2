# The kit of the sharing tests, and as many participants of one dataset as one wants.
set(unit ${PROJECT_SOURCE_DIR}/tests/unit)
add_executable(bench_datasets ${CMAKE_CURRENT_LIST_DIR}/datasets_bench.c ${unit}/datasets_kit.c ${unit}/shared_kit.c ${unit}/story_kit.c ${unit}/view_kit.c)
target_include_directories(bench_datasets PRIVATE ${unit} ${PROJECT_SOURCE_DIR}/tests/support)
target_compile_definitions(bench_datasets PRIVATE EMR_VECTOR_DIR="${PROJECT_SOURCE_DIR}/tests/vectors")
foreach(used share stack view settle ledger contract crypto)
	emr_resolve(${used} target)
	target_link_libraries(bench_datasets PRIVATE ${target})
endforeach()
target_link_libraries(bench_datasets PRIVATE emr_flags PkgConfig::cmocka Threads::Threads)
# Two small datasets are made and listed whole as tests, too.
add_test(NAME dataset_of_many COMMAND bench_datasets 24 3)
add_test(NAME dataset_of_silent COMMAND bench_datasets 24 1 silent)
set_tests_properties(dataset_of_many dataset_of_silent PROPERTIES LABELS unit TIMEOUT ${EMR_PATIENCE_S})
