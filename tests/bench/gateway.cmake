add_executable(bench_gateway ${CMAKE_CURRENT_LIST_DIR}/gateway_bench.c)
target_link_libraries(bench_gateway PRIVATE emr_flags emr_live_kit)
