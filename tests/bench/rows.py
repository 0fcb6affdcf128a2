"""The rows of the table: titles, units, and the targets with what they are measured against.

A target is (base, factor): emrfs must need at most factor times what base needs in the same run, or
do at least factor times as many operations.  Base "best" is the encrypted neighbour that did best in
that row of that run, None an absolute limit, "=KEY" emrfs's own value of another row.  Factors on the
plain directory or the pass-through example are quotients of what was reached when they were set, so
that they hold on a slower disk as well; a row without a target is shown and not judged.
"""
# A neighbour that does not flush when it is told to is not compared with in rows that end with a flush.
FLUSHED = ("seq_write", "seq_write_4k", "rand_write", "save_fsync_p50", "save_fsync_p99")



class Row:
    def __init__(self, key, group, title, unit, target=None):
        self.key, self.group, self.title, self.unit, self.target = key, group, title, unit, target
        self.more_is_better = unit.endswith("/s")


ROWS = [
    Row("mount_empty", "mount", "mount, empty", "s", ("best", 0.96)),
    Row("wrong_secret", "mount", "of that, start and key derivation", "s"),
    Row("seq_write", "seq", "write 200 MB, 1 MiB calls, fsync", "s", ("best", 0.95)),
    Row("seq_write_cpu", "seq", "  processor time of the daemon", "s"),
    Row("seq_write_4k", "seq", "write 200 MB, 4 KiB calls, fsync", "s", ("pt_ll", 0.68)),
    Row("seq_read_cold", "seq", "read 200 MB, cold", "s", ("best", 0.95)),
    Row("seq_read_cpu", "seq", "  processor time of the daemon", "s"),
    Row("seq_read_disk", "seq", "read 200 MB, new daemon, disk warm", "s", ("best", 0.96)),
    Row("seq_read_warm", "seq", "read 200 MB, warm", "s", ("plain", 4.4)),
    Row("map_read_cold", "seq", "mmap and touch 200 MB, cold", "s", ("best", 1.0)),
    Row("rand_read_cold", "rand", "4 KiB random reads, cold", "1/s", ("best", 1.015)),
    Row("rand_read_warm", "rand", "4 KiB random reads, warm", "1/s", ("plain", 0.876)),
    Row("rand_write", "rand", "4 KiB random writes, one fsync", "1/s", ("best", 1.15)),
    Row("cp_tree", "tree", "cp -r 2000 x 64 KiB", "s", ("best", 0.85)),
    Row("read_tree_cold", "tree", "read them all, cold", "s", ("best", 0.85)),
    Row("read_tree_warm", "tree", "read them all, warm", "s", ("best", 0.53)),
    Row("rm_tree", "tree", "rm -rf them", "s"),
    Row("create_10k", "list", "create 10,000 x 100 bytes", "s", ("best", 0.85)),
    Row("mount_10k", "list", "mount with 10,000 files", "s", ("best", 0.92)),
    Row("ls_cold", "list", "ls -lR of 10,000, cold", "s", ("plain", 0.93)),
    Row("ls_warm", "list", "ls -lR of 10,000, warm", "s", ("plain", 1.13)),
    Row("find_cold", "list", "find of 10,000, cold", "s", ("plain", 2.15)),
    Row("find_warm", "list", "find of 10,000, warm", "s", ("plain", 2.1)),
    Row("stat_cold", "list", "stats, cold", "1/s", ("best", 1.09)),
    Row("stat_warm", "list", "stats, warm", "1/s", ("plain", 0.847)),
    Row("rss", "list", "memory of the daemon after ls -lR", "KiB", (None, 12288)),
    Row("rss_copy", "list", "most of it while 1 GB is copied in and they are listed", "KiB", (None, 146484)),
    Row("save_fsync_p50", "small", "save 63,884 bytes with fsync, p50", "us", ("best", 0.85)),
    Row("save_fsync_p99", "small", "  p99", "us", ("best", 1.0)),
    Row("save_close_p50", "small", "save 63,884 bytes without fsync, p50", "us", ("best", 0.85)),
    Row("save_close_p99", "small", "  p99", "us"),
    Row("open_cold_p50", "small", "open and read 63,884 bytes, cold, p50", "us", ("best", 0.85)),
    Row("open_cold_p99", "small", "  p99", "us", ("best", 1.0)),
    Row("open_warm_p50", "small", "open and read 63,884 bytes, warm, p50", "us", ("best", 0.32)),
    Row("open_warm_p99", "small", "  p99", "us"),
    Row("tar_x", "real", "tar x of 5,000 x 6 KB", "s", ("best", 0.85)),
    Row("rm_5000", "real", "rm -rf them", "s"),
    Row("git_clone", "real", "git clone of 5,000 files", "s", ("best", 0.75)),
    Row("git_status", "real", "git status, cold", "s", ("best", 1.0)),
    Row("report_return", "report", "63,884-byte report: saved, close returned", "us"),
    Row("report_durable", "report", "  on this disk (fsync returned)", "us"),
    Row("report_confirmed", "report", "  confirmed on the ledger", "us"),
    Row("report_open_cold", "report", "  opened and read, cold", "us"),
    Row("report_open_warm", "report", "  opened and read, warm", "us"),
    Row("share_one_returns", "sharing", "share a folder with 1 record: the verb returns", "s", (None, 0.25)),
    Row("share_one_confirmed", "sharing", "  on the ledger", "s", (None, 1.0)),
    Row("share_many_returns", "sharing", "share one with 10,000 records: the verb returns", "s", (None, 0.5)),
    Row("share_many_confirmed", "sharing", "  on the ledger", "s", (None, 1.0)),
    Row("share_inner_returns", "sharing", "share an inner folder of 10,000 for the first time: the verb returns", "s",
        (None, 0.5)),
    Row("share_inner_confirmed", "sharing", "  10,000 keys wrapped, on the ledger", "s", (None, 5.0)),
    Row("share_again_returns", "sharing", "share it again after it was taken back: the verb returns", "s", (None, 0.5)),
    Row("share_again_confirmed", "sharing", "  10,000 keys wrapped for a new epoch, on the ledger", "s", (None, 5.0)),
    Row("revoke_one_returns", "sharing", "take back a folder with 1 record: the verb returns", "s", (None, 0.25)),
    Row("revoke_one_confirmed", "sharing", "  on the ledger", "s", (None, 1.0)),
    Row("revoke_many_returns", "sharing", "take back one with 10,000 records: the verb returns", "s", (None, 0.5)),
    Row("revoke_many_confirmed", "sharing", "  on the ledger", "s", (None, 1.0)),
    Row("share_agents_open", "sharing", "first file of a share opened and read, keys of 2 of 3 agents", "s", (None, 1.0)),
    Row("share_owner_open", "sharing", "  of the owner's computer only", "s", (None, 1.0)),
    Row("share_agents_series", "sharing", "the other 299 slices of its series, keys of 2 of 3 agents", "s"),
    Row("share_agents_questions", "sharing", "  questions asked for all 300", "n", (None, 12)),
    Row("share_owner_series", "sharing", "the other 299, keys of the owner's computer only", "s"),
    Row("share_owner_questions", "sharing", "  questions asked for all 300", "n", (None, 12)),
    Row("share_own_cold", "sharing", "ls -lR of 10,000 own records, cold", "s"),
    Row("share_own_warm", "sharing", "ls -lR of 10,000 own records, warm", "s"),
    Row("share_ls_first", "sharing", "ls -lR of 10,000 shared records, names never asked for, cold", "s", (None, 2.0)),
    Row("share_ls_cold", "sharing", "ls -lR of 10,000 shared records, cold", "s", (None, 1.0)),
    Row("share_ls_warm", "sharing", "ls -lR of 10,000 shared records, warm", "s", ("=share_own_warm", 1.5)),
    Row("share_grow_one_cpu", "sharing", "one record more in a share of 1: the reader's processor", "ms"),
    Row("share_grow_one_seen", "sharing", "  seen after it is on the ledger", "s"),
    Row("share_grow_many_cpu", "sharing", "one record more in a share of 10,000: the reader's processor", "ms",
        (None, 50)),
    Row("share_grow_many_seen", "sharing", "  seen after it is on the ledger", "s", (None, 1.0)),
    Row("share_agent_cpu", "sharing", "an agent's processor for 1,000 conversions, over that of their equations", "x",
        (None, 1.5)),
    Row("write_own_close", "writing", "save 1 MB in one's own folder: close returned", "s"),
    Row("write_own_confirmed", "writing", "save 1 MB in one's own folder: on the ledger", "s"),
    Row("write_guest_close", "writing", "save 1 MB in somebody else's folder: close returned", "s", ("=write_own_close", 1.5)),
    Row("write_guest_seen", "writing", "  read by the owner in hers", "s", ("=write_own_confirmed", 1.5)),
    Row("write_deposit_close", "writing", "leave 1 MB in a folder for deposits: close returned", "s", ("=write_own_close", 1.5)),
    Row("write_deposit_seen", "writing", "  read by the owner in hers", "s", ("=write_own_confirmed", 1.5)),
    Row("write_ls_cold", "writing", "ls -lR of 10,000 shared records where one may write, cold", "s", (None, 1.0)),
    Row("write_ls_warm", "writing", "  warm", "s"),
]
