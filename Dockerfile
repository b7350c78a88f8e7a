# docker build --target serving -t formloop .      web, extract workers, scheduler
# docker build --target training -t formloop-train .   the same with torch
FROM python:3.11-slim-bookworm AS serving
# What OpenCV links to.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --user-group --create-home formloop \
    && install --directory --owner formloop --group formloop --mode 700 /data
WORKDIR /src
COPY pyproject.toml constraints.txt README.md ./
COPY extraction extraction
COPY models models
COPY annotation annotation
COPY archive archive
COPY workers workers
COPY service service
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[s3]'
RUN pip install --no-cache-dir --disable-pip-version-check --no-deps label-studio-sdk==2.1.2
ENV FORMLOOP_DATA=/data \
    XDG_CACHE_HOME=/tmp/cache \
    PYTHONUNBUFFERED=1
# Away from the source, so that what runs is what was installed.
WORKDIR /data
USER 10001:10001
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "service.web_process", "--host", "0.0.0.0"]

FROM serving AS training
USER root
WORKDIR /src
RUN pip install --no-cache-dir --disable-pip-version-check -c constraints.txt '.[train,s3]'
WORKDIR /data
USER 10001:10001
