/* These tests show what a name may be, and which names are scratch. */
#include "emr_test.h"

#include "view/names.h"

TEST(any_byte_but_slash_and_zero_may_be_in_a_name)
{
	char name[3] = "x";

	for (int c = 1; c < 256; c++) {
		name[1] = (char)c;
		assert_status(c == '/' ? EMR_BAD_NAME : EMR_OK, emr_name_check(name));
	}
}

TEST(dot_names_and_empty_names_are_bad)
{
	assert_status(EMR_BAD_NAME, emr_name_check(""));
	assert_status(EMR_BAD_NAME, emr_name_check("."));
	assert_status(EMR_BAD_NAME, emr_name_check(".."));
	assert_ok(emr_name_check("..."));
	assert_ok(emr_name_check(" "));
	assert_ok(emr_name_check("\n"));
}

TEST(why_a_name_is_bad_is_said)
{
	char why[EMR_NAME_WHY_BYTES];

	emr_name_why("", why);
	assert_string_equal(why, "it is empty");
	emr_name_why("Imaging/../x", why);
	assert_string_equal(why, ".. means a folder");
	emr_name_why(printed("Imaging/%0300d", 0), why);
	assert_string_equal(why, "it has 300 bytes, and 255 fit");
	emr_name_why("fine/in/every/part", why);
	assert_string_equal(why, "the path is too long");
}

TEST(a_name_has_at_most_255_bytes)
{
	char name[300];

	memset(name, 'n', sizeof name);
	name[255] = 0;
	assert_ok(emr_name_check(name));
	name[255] = 'n';
	name[256] = 0;
	assert_status(EMR_BAD_NAME, emr_name_check(name));
}

TEST(names_of_emrfs_itself_are_reserved)
{
	assert_true(emr_name_is_reserved_at_top(".emrfs"));
	assert_true(emr_name_is_reserved_at_top("shared-with-me"));
	assert_true(emr_name_is_reserved_at_top("shared-by-me"));
	assert_true(emr_name_is_reserved_at_top("datasets"));
	assert_false(emr_name_is_reserved_at_top("Datasets"));
	assert_false(emr_name_is_reserved_at_top(".emrfs2"));
	assert_false(emr_name_is_reserved_at_top("Inbox"));
}

TEST(scratch_of_programs_is_local)
{
	static const char *const local[] = {".~lock.report.odt#", "lu12345abc.tmp", "~$report.docx",
		"x.tmp", "report.txt~", ".report.txt.swp", ".report.txt.swo", ".x.swx", "4913",
		"#draft#", ".#draft", ".goutputstream-A1B2C3", "IM0001.bak", "scan.pdf.crdownload",
		"scan.pdf.part", "a.partial", "a.download", ".Trash-1000", ".Trash", ".DS_Store",
		"._scan.pdf", "Thumbs.db", "desktop.ini", ".directory", ".thumbnails",
		"db.sqlite-shm", "db.sqlite-journal", "db.sqlite-wal",
		".nfs0000000000a1b2c300000001", ".fuse_hidden0000000100000002", "Ogre.log",
		"VTK.log", ".scan.pdf.Xk29Qa", "..x.aB3dE6", "~WRD0001.tmp", "DICOMDIR.BAK",
		".org.chromium.Chromium.aB12cd", "scan.pdf.opdownload", "cd.iso.aria2", ".Trashes",
		".fseventsd", ".Spotlight-V100", "THUMBS.DB", "Desktop.ini", "ehthumbs.db",
		"$RECYCLE.BIN", "System Volume Information", ".report.txt.kate-swp",
		"report.pdf.~qpdf-temp#", "IM1.jpg_exiftool_tmp", ".fr-aB12cd", ".rsync-partial",
		"x.~1~", ".~tmp~"};

	for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
		if (!emr_name_is_local(local[i]))
			fail_msg("%s is scratch", local[i]);
}

TEST(names_of_records_are_not_local)
{
	static const char *const kept[] = {"MRI.pdf", "IM0001", "IM0001.dcm", ".hidden",
		"report.txt", "tmp", "backup", "bak", "part", "4914", "scan~1.pdf", "#1 visit",
		"lu.pdf", ".profile.backup", "a.swp", ".goutputstream-A1B2C", "Trash",
		"2024-01-01.log", "lock", ".scan.pdf.Xk29Q", ".a.b-cdefg", "x.TMP.pdf", "journal",
		"1D24AB00", "sedation", "sed12345A", "zip2024A", "report.aB12cd", "DICOMDIR",
		"System Volume", "IM1.BAK", "TRASH", "thumbs.dbx"};

	for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
		if (emr_name_is_local(kept[i]))
			fail_msg("%s is a record", kept[i]);
}

TEST(names_that_may_be_either_are_looked_at_longer)
{
	static const char *const hesitant[] = {
		"1D24AB00", "00000001", "sedXk29Qa", "zi8fJk2L", "report.txt.aB12cd"};
	static const char *const usual[] = {"1D24AB0", "1D24AB000", "1d24ab00", "1D24AB00.dcm",
		"sedation", "zinnober", "MRI.pdf", "report.backup", ".aB12cd", "IM0001"};

	for (size_t i = 0; i < sizeof hesitant / sizeof hesitant[0]; i++)
		if (!emr_name_is_hesitant(hesitant[i]) || emr_name_is_local(hesitant[i]))
			fail_msg("%s may be either", hesitant[i]);
	for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
		if (emr_name_is_hesitant(usual[i]))
			fail_msg("%s is a record", usual[i]);
}

TEST(only_what_no_person_calls_so_is_a_fixture)
{
	static const char *const fixtures[] = {".~lock.report.odt#", "~$report.docx", ".#draft",
		"._scan.pdf", ".Trash-1000", ".DS_Store", "Thumbs.db", "DESKTOP.INI",
		".fuse_hidden0000000100000002", "VTK.log"};
	static const char *const other[] = {"4913", "x.bak", "x.part", "X.download", "letter.tmp",
		"#7#", "results~", ".CT.20220308.171511", ".INBOX.Drafts", ".T2_TSE.000002"};

	for (size_t i = 0; i < sizeof fixtures / sizeof fixtures[0]; i++)
		if (!emr_name_is_fixture(fixtures[i], 100))
			fail_msg("%s is a desktop's", fixtures[i]);
	for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
		if (emr_name_is_fixture(other[i], 100))
			fail_msg("%s may be a person's", other[i]);
	assert_false(emr_name_is_fixture("._CT0001.dcm", 4097)); /* no mark is as large */
	assert_true(emr_name_is_fixture("Thumbs.db", 4097));
}

TEST(an_index_of_a_log_is_known_by_its_size)
{
	assert_true(emr_name_is_log_index("plan.db-shm", 32768));
	assert_false(emr_name_is_log_index("scan-shm", 514));
}

TEST(trash_and_half_downloads_are_known_among_local_names)
{
	assert_true(emr_name_is_trash(".Trash-1000"));
	assert_false(emr_name_is_trash("x~"));
	assert_true(emr_name_is_half_download("scan.pdf.part"));
	assert_true(emr_name_is_half_download("Unconfirmed 4711.crdownload"));
	assert_false(emr_name_is_half_download("part"));
	assert_false(emr_name_is_half_download("x~"));
}

TESTS(NULL, NULL)
