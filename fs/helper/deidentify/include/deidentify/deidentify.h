/* This makes a copy of a DICOM file, or of another that rules know, that may go into a research
 * dataset: names, ids, dates and free text are gone, and the same participant has the same
 * pseudonym in every file of one dataset. A file that cannot be shown to be clean is withheld as a
 * whole, with a reason. It refuses to guess: an element that no rule names is left out, and a file
 * that is not understood to its last byte gives nothing. */
#pragma once

#include "base/bytes.h"
#include "base/secret.h"

/* DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile of 2026c, with the option
 * Retain Longitudinal Temporal Information With Modified Dates (or without dates) and, if asked
 * for, Retain Patient Characteristics and Retain Safe Private.
 *
 * Files are read and written in two other processes, which have neither keys of emrfs nor a file,
 * a network or a clock of this computer: only the two descriptors of the file at hand.  The first
 * writes the copy; the second, which shares no reading code with the first, looks in the copy for
 * names, ids, dates and UIDs of the original. */

/* The rules that decide which elements stay: the table, and this module's version of them. The
 * value changes with either, and stands, hashed with the terms of the dataset, in each copy's
 * statement. */
#define EMR_DEIDENTIFY_TABLE "PS3.15-2026c/2"

/* ---- participants ---- */

#define EMR_DEIDENTIFY_KEY_BYTES 32
#define EMR_DEIDENTIFY_NAME_MAX 63

/* The key from which UIDs and dates of one person in one dataset are made. It is derived from
 * SECRET, 32 bytes that only the maker of the copies has, and PARTICIPANT, any bytes that stay the
 * same and tell datasets and people apart. A holder of the key can undo dates, and UIDs by guessing
 * them: SECRET is never the key of a dataset's pseudonyms, which its readers have. Keys of two
 * participants, or of one in two datasets, cannot be told to belong together. */
emr_status emr_deidentify_key(const emr_secret *secret, emr_bytes participant, emr_secret *out_key);

/* ---- rules of a dataset ---- */

/* Private elements at the top of a file that may stay (table_private.inc), each with the element
 * that names its creator; bits. */
typedef enum emr_private {
	EMR_PRIVATE_SAFE = 1,	/* numbers and code strings of PS3.15 Table E.3.10-1 (2026d) */
	EMR_PRIVATE_MOSAIC = 2, /* how many tiles a mosaic of Siemens' MR has */
} emr_private;

/* A copy is one of these. */
typedef enum emr_copy_form {
	EMR_COPY_PICTURE, /* DICOM */
	EMR_COPY_NIFTI,	  /* one file of NIfTI-1 or -2 */
	EMR_COPY_EDF,	  /* EDF, EDF+ */
	EMR_COPY_BDF,	  /* given where EDF is */
	EMR_COPY_VCF,	  /* as text; with it all that follow but the last */
	EMR_COPY_VCF_GZ,
	EMR_COPY_BAM,
	EMR_COPY_CRAM,
	EMR_COPY_NIFTI_GZ, /* given where NIfTI is */
	EMR_COPY_FORMS
} emr_copy_form;

typedef struct emr_deidentify_rules {
	/* false: dates and times of what was done with the patient are moved into the past by 30 to
	 * 60 years, by the same time for all of a participant's files; true: none is left. */
	bool without_dates;
	/* Sex, age (90 from 90 on), size, weight and the like stay: option 113108. */
	bool with_characteristics;
	/* CT and MR of a head stay although slices are thinner than 3 mm, from which a face can be
	 * drawn: the caller knows that faces were taken off, or the participant agreed to it. */
	bool with_faces;
	/* CT and MR pictures that the device made from others (DERIVED\PRIMARY: maps, projections)
	 * need no word of the device that no text is drawn in them. */
	bool with_derived;
	unsigned with_private; /* of emr_private: option 113111; 0: no private element stays */
	unsigned with_formats; /* NIfTI, EDF with BDF, VCF with BAM and CRAM, as
				  1 << emr_copy_form
				*/
	/* The longest that one file may take; 0: two minutes, and a second for each 4 MiB. */
	uint32_t deadline_ms;
} emr_deidentify_rules;

/* ---- why a file was withheld ---- */

/* Words for people are the caller's. */
typedef enum emr_withheld {
	EMR_WITHHELD_NOT = 0,	   /* it was not: the copy is there */
	EMR_WITHHELD_NOT_DICOM,	   /* no DICOM file (Part 10) */
	EMR_WITHHELD_DAMAGED,	   /* cut off, or breaks the format somewhere */
	EMR_WITHHELD_TOO_COMPLEX,  /* more nesting or elements than any real file has */
	EMR_WITHHELD_COMPRESSION,  /* a transfer syntax that is not looked into: deflated, video */
	EMR_WITHHELD_UNKNOWN_KIND, /* a SOP class or modality that no rule names */
	EMR_WITHHELD_SCREENSHOT,   /* secondary capture, scanned or digitised */
	EMR_WITHHELD_PHOTOGRAPH,   /* ultrasound, angiography, endoscopy, photographs, slides: the
				      name often stands in the picture */
	EMR_WITHHELD_BURNED_IN,	   /* the picture may show text: nothing says that it does not */
	EMR_WITHHELD_DOCUMENT,	   /* PDF, CDA or a model inside */
	EMR_WITHHELD_REPORT,	   /* structured report, key object selection */
	EMR_WITHHELD_PRESENTATION, /* presentation state: graphics and labels */
	EMR_WITHHELD_WAVEFORM,	   /* ECG, sound */
	EMR_WITHHELD_TREATMENT,	   /* radiotherapy structures, plans, records: labels */
	EMR_WITHHELD_DIRECTORY,	   /* DICOMDIR */
	EMR_WITHHELD_FACE,	   /* thin slices of what may be a head */
	EMR_WITHHELD_HIDDEN_GRAPHICS, /* room for a text beside the picture: unused bits, bytes
					 behind it, tables of levels */
	EMR_WITHHELD_FOUND_AGAIN,     /* the copy still had something of the original in it */
	EMR_WITHHELD_STOPPED,	      /* reading it broke the process that read it */
	EMR_WITHHELD_LATE,	      /* reading it took too long */
	EMR_WITHHELD_PEOPLE,	      /* a genome of several samples */
	EMR_WITHHELD_COUNT
} emr_withheld;

/* "burned-in": for files and JSON, not for people; never NULL. */
const char *emr_withheld_text(emr_withheld reason);

/* ---- files ---- */

#define EMR_DICOM_UID_SIZE 65 /* 64 characters, and NUL */

/* Facts that the copy says about itself, for names of folders and files: studies and series by
 * their new UIDs. Zeros when it was withheld. */
typedef struct emr_deidentified {
	emr_withheld withheld;
	emr_copy_form form; /* of no picture there is only `size` below */
	uint64_t size;	    /* bytes of the copy */
	uint32_t elements_kept, elements_changed, elements_removed;
	uint32_t instance_number; /* 0: not said */
	char modality[17];	  /* "CT" */
	char study_uid[EMR_DICOM_UID_SIZE];
	char series_uid[EMR_DICOM_UID_SIZE];
	char instance_uid[EMR_DICOM_UID_SIZE];
} emr_deidentified;

/* Starts processes when it is first needed, and again after each file that broke one.  One thread
 * at a time for each. */
typedef struct emr_deidentifier emr_deidentifier;

/* PROGRAM: the path of the helper, emr_beside("deidentify").  RULES are copied. */
emr_status emr_deidentifier_open(
	const char *program, const emr_deidentify_rules *rules, emr_deidentifier **out);

/* PSEUDONYM is what the copy calls the participant (PatientID, PatientName): 1 to
 * EMR_DEIDENTIFY_NAME_MAX letters, digits, - and _.  IN_FD: a regular file (or memfd), read from
 * its beginning, whatever its offset is.  OUT_FD: a regular file (or memfd), empty and open for
 * reading and writing; the caller flushes it. EMR_OK: OUT says what came of it; where it was
 * withheld OUT_FD is empty.  All else is about this computer and not about the file: EMR_NO_MEMORY,
 * EMR_NO_SPACE, EMR_IO (also: the helper is not there), EMR_INVALID (descriptors, KEY or
 * PSEUDONYM), EMR_NEWER_FORMAT (the helper is of another version); OUT_FD is empty then, too. */
emr_status emr_deidentify_file(emr_deidentifier *deidentifier, const emr_secret *key,
	const char *pseudonym, int in_fd, int out_fd, emr_deidentified *out);

/* LEN bytes at AT of a file that somebody else shares. */
typedef emr_status (*emr_scan_read_fn)(void *arg, uint64_t at, void *out, size_t len);

/* Whether a file of SIZE bytes, which another calls a copy by the rules of DEIDENTIFIER, has what
 * no copy has.  YEAR: the present
 * one. A process of its own looks, which gets the bytes that it asks for and nothing else.  EMR_OK:
 * *OUT says what it found; what READ says; else as emr_deidentify_file. */
emr_status emr_deidentify_scan(emr_deidentifier *deidentifier, uint64_t size, unsigned year,
	emr_scan_read_fn read, void *arg, emr_withheld *out);

void emr_deidentifier_close(emr_deidentifier *deidentifier); /* NULL is fine */

EMR_AUTO_CALL(emr_auto_deidentifier, emr_deidentifier *, emr_deidentifier_close);
#define EMR_AUTO_DEIDENTIFIER __attribute__((cleanup(emr_auto_deidentifier))) emr_deidentifier
