/* This file tells what kind of record a file is (image, laboratory report, letter ...), by its
 * header or else by the ending of its name. */
#include "special_private.h"

#include <string.h>
#include <strings.h>

#include "kit/language.h"

static const struct {
	const char *ending, *kind;
} endings[] = {
	{"dcm", "dicom"},
	{"dicom", "dicom"},
	{"pdf", "pdf"},
	{"jpg", "image"},
	{"jpeg", "image"},
	{"png", "image"},
	{"tif", "image"},
	{"tiff", "image"},
	{"bmp", "image"},
	{"gif", "image"},
	{"webp", "image"},
	{"heic", "image"},
	{"svg", "image"},
	{"svs", "image"},
	{"ndpi", "image"},
	{"nii", "image"},
	{"mp4", "video"},
	{"mov", "video"},
	{"avi", "video"},
	{"mkv", "video"},
	{"webm", "video"},
	{"mp3", "sound"},
	{"wav", "sound"},
	{"ogg", "sound"},
	{"opus", "sound"},
	{"m4a", "sound"},
	{"flac", "sound"},
	{"txt", "text"},
	{"md", "text"},
	{"html", "text"},
	{"htm", "text"},
	{"eml", "text"},
	{"csv", "table"},
	{"tsv", "table"},
	{"xls", "table"},
	{"xlsx", "table"},
	{"ods", "table"},
	{"doc", "document"},
	{"docx", "document"},
	{"odt", "document"},
	{"rtf", "document"},
	{"pages", "document"},
	{"ppt", "slides"},
	{"pptx", "slides"},
	{"odp", "slides"},
	{"zip", "archive"},
	{"tar", "archive"},
	{"tgz", "archive"},
	{"7z", "archive"},
	{"iso", "archive"},
	{"gz", "archive"},
	{"xz", "archive"},
	{"vcf", "genome"},
	{"bam", "genome"},
	{"cram", "genome"},
	{"fastq", "genome"},
	{"tbi", "genome"},
	{"bai", "genome"},
	{"json", "data"},
	{"xml", "data"},
	{"edf", "data"},
	{"hl7", "data"},
};

static const struct {
	const char *kind, *title;
} titles[] = {
	{"dicom", N_("DICOM images and reports")},
	{"pdf", N_("PDF documents")},
	{"fhir", N_("FHIR resources")},
	{"image", N_("Pictures")},
	{"video", N_("Videos")},
	{"sound", N_("Sound recordings")},
	{"text", N_("Texts")},
	{"table", N_("Tables")},
	{"document", N_("Letters and documents")},
	{"slides", N_("Slides")},
	{"archive", N_("Archives")},
	{"genome", N_("Genomic data")},
	{"data", N_("Data files")},
	{"other", N_("Other files")},
};

static const char *kind_of_ending(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
		if (strlen(endings[i].ending) == len &&
			strncasecmp(endings[i].ending, name, len) == 0)
			return endings[i].kind;
	return NULL;
}

const char *emr_kind_of(const emr_headers *headers, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	const char *dot = strrchr(name, '.'), *before = dot, *kind;

	if (headers->kind != EMR_HEADER_NONE)
		return emr_header_kind_text(headers->kind);
	if (dot == NULL || dot == name)
		return "other";
	kind = kind_of_ending(dot + 1, strlen(dot + 1));
	if (kind == NULL || strcasecmp(dot, ".gz") != 0)
		return kind != NULL ? kind : "other";
	/* "sample.vcf.gz" is what it was before it was packed. */
	while (before > name && before[-1] != '.')
		before--;
	kind = before > name ? kind_of_ending(before, (size_t)(dot - before)) : NULL;
	return kind != NULL ? kind : "archive";
}

const char *emr_kind_title(const char *kind)
{
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (strcmp(titles[i].kind, kind) == 0)
			return emr_text(titles[i].title);
	return _("Other files");
}
