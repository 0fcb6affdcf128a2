/* This file decides what a file may be called, and which names programs (editors, browsers, office
 * programs) give to their temporary files. Whether such a file stays on this computer is for its
 * size, its age and its place to say, too (node_may_become). */
#include "view/names.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const reserved_at_top[] = {
	".emrfs",
	"shared-with-me",
	"shared-by-me",
	"datasets",
};

/* One pattern a line, as fnmatch(3) reads it, and which program leaves such names behind.  They are
 * records once they stayed, so a name that a person might give may stand here, too. */
static const char *const local_patterns[] = {
	"lu*.tmp",		 /* LibreOffice */
	"*.tmp",		 /* Word (~WRD0001.tmp), Excel, PowerPoint, 7-Zip, many */
	"DICOMDIR.BAK",		 /* dcmmkdir */
	"*~",			 /* vim, emacs backups */
	".*.sw[a-p]",		 /* vim */
	".*.swx",		 /* vim */
	"4913",			 /* vim asks with it whether it may write here */
	"#*#",			 /* emacs */
	".goutputstream-??????", /* GIO: gedit, mousepad, Nautilus */
	"*.bak",		 /* dcmodify */
	"*.crdownload",		 /* Chromium, Edge */
	"*.opdownload",		 /* Opera */
	"*.part",		 /* Firefox, KDE, curl scripts */
	"*.partial",
	"*.download", /* Safari */
	"*.aria2",    /* aria2, beside the file it fetches */
	".*.kate-swp",
	".*.~qpdf-temp#", /* qpdf --replace-input */
	"*.~qpdf-temp#",
	"*.~qpdf-orig",
	"*_exiftool_tmp",
	".fr-??????",	  /* file-roller unpacks there first */
	".rsync-partial", /* rsync --partial-dir as its manual names it */
	"*-journal",	  /* SQLite */
	"*-wal",
	"*-shm",
};

/* Desktops and file systems put these beside a person's files, and nobody else gives such names: no
 * record however long it stays. */
static const char *const fixture_patterns[] = {
	".Trash-*", /* desktops */
	".Trash",
	".Trashes", /* macOS */
	".DS_Store",
	".AppleDouble",
	".apdisk",
	".fseventsd",
	".Spotlight-V100",
	".TemporaryItems",
	".DocumentRevisions-V100",
	".VolumeIcon.icns",
	".directory", /* KDE */
	".thumbnails",
	".nfs????????????????????????", /* number of the file and a counter */
	".fuse_hidden*",
	"Ogre.log", /* SightViewer */
	"VTK.log",
};

/* Marks that a program sets beside a file while it has that open, or for what the file system has
 * no place.  They are small: what is larger is something else. */
static const char *const mark_patterns[] = {
	".~lock.*#", /* LibreOffice */
	"~$*",	     /* Word, Excel */
	".#*",	     /* emacs locks */
	"._*",	     /* macOS */
};

#define MARK_BYTES 4096
#define LOG_INDEX_BYTES 32768

/* Windows' own: a disk of its does not tell capitals apart. */
static const char *const fixtures_in_any_case[] = {
	"Thumbs.db",
	"ehthumbs.db",
	"ehthumbs_vista.db",
	"desktop.ini",
	"$RECYCLE.BIN",
	"RECYCLER",
	"System Volume Information",
};

static const char *const trash_patterns[] = {".Trash-*", ".Trash", ".Trashes"};

static const char *const half_download_patterns[] = {
	"*.crdownload",
	"*.opdownload",
	"*.part",
	"*.partial",
	"*.download",
};

#define HEX "[0-9A-F]"

/* Names that a program gives for a moment and that a person, or a scanner, might give for good:
 * they are records when they are still there after a longer time.  TELLING: see is_telling. */
static const struct hesitant {
	const char *pattern;
	bool telling;
} hesitant_patterns[] = {
	{HEX HEX HEX HEX HEX HEX HEX HEX, false}, /* Excel writes there before it renames */
	{"sed??????", true},			  /* sed -i */
	{"zi??????", true},			  /* zip */
	{"?*.??????", true},			  /* KDE's QSaveFile */
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

emr_status emr_name_check(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > EMR_NAME_MAX || strchr(name, '/') != NULL)
		return EMR_BAD_NAME;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return EMR_BAD_NAME;
	return EMR_OK;
}

void emr_name_why(const char *path, char out[EMR_NAME_WHY_BYTES])
{
	for (const char *at = path;; at++) {
		size_t len = strcspn(at, "/");

		if (len == 0 && at[len] == '\0' && at == path)
			snprintf(out, EMR_NAME_WHY_BYTES, "it is empty");
		else if (len > EMR_NAME_MAX)
			snprintf(out, EMR_NAME_WHY_BYTES, "it has %zu bytes, and %d fit", len,
				EMR_NAME_MAX);
		else if ((len == 1 || len == 2) && strspn(at, ".") == len)
			snprintf(out, EMR_NAME_WHY_BYTES, "%.*s means a folder", (int)len, at);
		else if (at[len] != '\0') {
			at += len;
			continue;
		} else
			snprintf(out, EMR_NAME_WHY_BYTES, "the path is too long");
		return;
	}
}

void emr_name_insert(const char *name, const char *text, char out[EMR_NAME_MAX + 1])
{
	const char *dot = strrchr(name, '.');
	size_t stem = dot != NULL && dot != name ? (size_t)(dot - name) : strlen(name);
	size_t ending = strlen(name) - stem, len = strlen(text), room, kept;

	if (ending > 32)
		ending = 0;
	room = EMR_NAME_MAX - ending - len;
	kept = stem < room ? stem : room;
	memcpy(out, name, kept);
	memcpy(out + kept, text, len);
	memcpy(out + kept + len, name + strlen(name) - ending, ending);
	out[kept + len + ending] = 0;
}

void emr_name_with_code(
	const char *name, const char code[27], size_t digits, char out[EMR_NAME_MAX + 1])
{
	char text[28] = "~";

	memcpy(text + 1, code, digits);
	text[1 + digits] = 0;
	emr_name_insert(name, text, out);
}

bool emr_name_is_reserved_at_top(const char *name)
{
	for (size_t i = 0; i < COUNT(reserved_at_top); i++)
		if (strcmp(name, reserved_at_top[i]) == 0)
			return true;
	return false;
}

/* Six letters of mkstemp(3) at the end.  Six lower-case letters are more likely a word
 * (".profile.backup"), so at least one digit or capital is asked for. */
static bool is_telling(const char *name, size_t len)
{
	bool telling = false;

	for (size_t i = len - 6; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (!isalnum(c))
			return false;
		telling = telling || isdigit(c) || isupper(c);
	}
	return telling;
}

/* rsync writes ".NAME.XXXXXX", and Chromium ".org.chromium.Chromium.XXXXXX". */
static bool is_hidden_scratch(const char *name)
{
	size_t len = strlen(name);

	return len >= 9 && name[0] == '.' && name[len - 7] == '.' && is_telling(name, len);
}

/* Whether C, the first or last of a pattern, stands for nothing but itself. */
static bool is_plain(char c)
{
	return c != '*' && c != '?' && c != '[' && c != ']' && c != '\\';
}

/* Every name of a folder is asked about when it is opened, and nearly every one has another first
 * or last letter than a pattern: that costs far less than fnmatch. */
static bool matches(const char *pattern, const char *name, size_t len)
{
	char last;

	if (len == 0 || (pattern[0] != name[0] && is_plain(pattern[0])))
		return false;
	last = pattern[strlen(pattern) - 1];
	if (last != name[len - 1] && is_plain(last))
		return false;
	return fnmatch(pattern, name, 0) == 0;
}

static bool matches_one(const char *const *patterns, size_t n, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (matches(patterns[i], name, len))
			return true;
	return false;
}

static bool is_windows_own(const char *name)
{
	for (size_t i = 0; i < COUNT(fixtures_in_any_case); i++)
		if (((fixtures_in_any_case[i][0] ^ name[0]) & ~0x20) == 0 &&
			strcasecmp(fixtures_in_any_case[i], name) == 0)
			return true;
	return false;
}

bool emr_name_is_fixture(const char *name, uint64_t size_bytes)
{
	return matches_one(fixture_patterns, COUNT(fixture_patterns), name) ||
	       is_windows_own(name) ||
	       (size_bytes <= MARK_BYTES && matches_one(mark_patterns, COUNT(mark_patterns), name));
}

bool emr_name_is_log_index(const char *name, uint64_t size_bytes)
{
	return fnmatch("*-shm", name, 0) == 0 && size_bytes % LOG_INDEX_BYTES == 0;
}

bool emr_name_is_local(const char *name)
{
	return matches_one(local_patterns, COUNT(local_patterns), name) ||
	       emr_name_is_fixture(name, 0) || is_hidden_scratch(name);
}

bool emr_name_is_trash(const char *name)
{
	return matches_one(trash_patterns, COUNT(trash_patterns), name);
}

bool emr_name_is_half_download(const char *name)
{
	return matches_one(half_download_patterns, COUNT(half_download_patterns), name);
}

bool emr_name_is_hesitant(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < COUNT(hesitant_patterns); i++)
		if (matches(hesitant_patterns[i].pattern, name, len) &&
			(!hesitant_patterns[i].telling || is_telling(name, len)))
			return true;
	return false;
}
