"""What the suffix of a file's name says of its kind: a video, a picture, or what usually lies beside them."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from va_widgets.base.paths import is_url

# Tried as videos. What FFmpeg cannot decode, such as some cameras' raw files, is reported as skipped, each by its name.
_FILMS = frozenset(
    # MP4 and what is like it, with segments of streams
    ".mp4 .m4v .mp4v .mpg4 .mpeg4 .f4v .mov .qt .3gp .3gpp .3g2 .3gpp2 .mj2 .m4s .cmfv .ismv .insv .avifs"
    # MPEG program and transport streams, from discs, camcorders and receivers
    " .mpg .mpeg .mpe .m2p .ps .vob .vro .evo .mod .ts .m2t .mts .m2ts .mt2s .tp .trp .tod .ty .pva"
    # other containers
    " .mkv .mk3d .webm .avi .divx .xvid .amv .wmv .asf .wm .wtv .dvr-ms .flv .swf .ogv .ogm .ogx .rm .rmvb .rv .ivr"
    " .mxf .gxf .lxf .dv .dif .nut .nsv .nuv .viv .dav .cine .mlv .r3d .braw .ari .arx .crm"
    # games and animation
    " .roq .bik .bk2 .smk .fli .flc .thp .usm .pmp .mtv"
    # streams without a container
    " .m1v .m2v .mpv .mp2v .h261 .h263 .h264 .264 .avc .h26l .jsv .hevc .h265 .265 .vvc .h266 .266 .vc1 .avs2 .avs3"
    " .cavs .drc .obu .ivf .mjpg .mjpeg .y4m .yuv".split()
)
# Moving pictures: videos that lie among pictures.
_ANIMATIONS = frozenset((".gif", ".apng"))
VIDEO_SUFFIXES = _FILMS | _ANIMATIONS
# Tried as pictures; those of the last line are refused, each by its name.
PICTURE_SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .bmp .dib .tif .tiff .avif .jp2 .j2k .jpf .jpx .ppm .pgm .pbm .pnm"
    " .heic .heif .hif .jxl .psd .exr .dpx .tga .dng .cr2 .cr3 .nef .nrw .arw .raf .orf .rw2 .pef .srw".split()
)
# Texts, tables, subtitles, sounds and the like, which are no videos and need not be reported.
_COMPANIONS = frozenset(
    ".txt .md .rst .pdf .doc .docx .odt .rtf .html .htm .css .js .csv .tsv .xls .xlsx .ods .json .jsonl .xml .yaml .yml"
    " .toml .ini .log .nfo .url .srt .vtt .ass .ssa .sub .idx .sbv .scc .ttml .edl .otio .fcpxml .aaf .cue .m3u .m3u8"
    " .wav .mp3 .m4a .aac .flac .ogg .oga .opus .wma .aif .aiff .ac3 .mka .mid .ifo .bup .thm .xmp .md5 .sha1 .sha256"
    " .py .ipynb .sh .sqlite .db .npy .npz .parquet .zip .gz .tar .7z .rar".split()
)


def suffix_of(name: str) -> str:
    """Return the suffix of a path or URL, such as ".mp4", in small letters; empty if it has none."""
    if is_url(name):  # in "simplecache::zip://in/a.jpg::https://host/b.zip" the first that is a URL names the file
        parts = urlsplit(next(part for part in name.split("::") if is_url(part)))
        name = parts.netloc + parts.path
    return Path(name).suffix.lower()


def is_video(name: str) -> bool:
    """Return whether a file is called like a video, or like an animation."""
    return suffix_of(name) in VIDEO_SUFFIXES


def is_film(name: str) -> bool:
    """Return whether a file is called like a video that is no animation."""
    return suffix_of(name) in _FILMS


def is_picture(name: str) -> bool:
    """Return whether a file is called like a picture."""
    return suffix_of(name) in PICTURE_SUFFIXES


def is_companion(name: str) -> bool:
    """Return whether a file is called like what usually lies beside videos, such as a text or a sound."""
    return suffix_of(name) in _COMPANIONS
