add_executable(bench_ledger ${CMAKE_CURRENT_LIST_DIR}/ledger_bench.c)
target_link_libraries(bench_ledger PRIVATE emr_flags emr_served_kit Threads::Threads)
