using System.ComponentModel.DataAnnotations;

namespace WebApp;

/// <summary>What can be set, in the section <c>Classifier</c> of appsettings.json, of the environment, or of the command line.</summary>
internal sealed class ServiceOptions : IValidatableObject
{
    public const string Section = "Classifier";

    /// <summary>Gets the model file.</summary>
    /// <value>The default is null: <c>data/model.zip</c> beside the program, which QuickStart is trained into if it is not there.</value>
    public string? Model { get; init; }

    /// <summary>
    /// Gets a folder of images, one sub-folder per class, that <see cref="Model"/> is trained on if there is no such file.
    /// </summary>
    public string? Data { get; init; }

    /// <summary>Gets the number of images that are decoded and classified at a time.</summary>
    /// <value>The default is the number of processors.</value>
    [Range(1, 1024)]
    public int Engines { get; init; } = Environment.ProcessorCount;

    /// <summary>
    /// Gets the number of requests, with bodies that have been received, that may wait beside those that are worked on; one more gets
    /// 429.
    /// </summary>
    /// <value>
    /// The default is 64. Bodies are kept in memory: at worst twice <see cref="MaxBatchBytes"/> for each
    /// request, while the files of a form are copied.
    /// </value>
    [Range(0, 100_000)]
    public int WaitingRequests { get; init; } = 64;

    /// <summary>
    /// Gets the number of places for bodies that are being received, in all; one more gets 429. A body takes a place for each
    /// <see cref="MaxImageBytes"/> that it has room for, and none once it is received.
    /// </summary>
    /// <value>The default is 256.</value>
    [Range(1, 100_000)]
    public int MaxReadingBodies { get; init; } = 256;

    /// <summary>
    /// Gets the number of those places that one client may take. A client is an IPv4 address, or an IPv6 network of 64 bits.
    /// </summary>
    /// <value>
    /// The default is 100. A proxy that does not buffer bodies is one client, unless its X-Forwarded-For is believed
    /// (ASPNETCORE_FORWARDEDHEADERS_ENABLED).
    /// </value>
    [Range(1, 100_000)]
    public int MaxReadingBodiesPerClient { get; init; } = 100;

    /// <summary>Gets how long a body may take to be received; then the answer is 408.</summary>
    /// <value>The default is 20 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan BodyTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// Gets the bytes of a body that must come in a second, on average, from its fifth second on; else the answer is 408.
    /// </summary>
    /// <value>The default is 8,192.</value>
    [Range(1, 1 << 30)]
    public int MinBodyBytesPerSecond { get; init; } = 8192;

    /// <summary>Gets the most bytes of one image file.</summary>
    /// <value>The default is 10 MiB.</value>
    [Range(1, 1 << 30)]
    public int MaxImageBytes { get; init; } = 10 << 20;

    /// <summary>Gets the most bytes of the body of a batch.</summary>
    /// <value>The default is 32 MiB.</value>
    [Range(1, 1 << 30)]
    public int MaxBatchBytes { get; init; } = 32 << 20;

    /// <summary>Gets the most images of a batch.</summary>
    /// <value>The default is 32.</value>
    [Range(1, 1024)]
    public int MaxBatchImages { get; init; } = 32;

    /// <summary>
    /// Gets the most pixels of an image, read from the file's header. A decoded pixel takes four bytes, twice while it is turned as its
    /// EXIF orientation says; and where a decoder needs the whole file first, up to eight more before that: progressive JPEGs, interlaced
    /// PNGs.
    /// </summary>
    /// <value>The default is 50 million: photographs of phones, with 200 MB for each of <see cref="Engines"/>, and 600 MB at worst.</value>
    [Range(1, (1L << 29) - 1)]
    public long MaxPixels { get; init; } = 50_000_000;

    /// <summary>Gets whether photographs are turned as their EXIF orientation says, before they are classified.</summary>
    /// <value>
    /// The default is false, as in ML.NET: an image is seen as it is stored. Set it if the model was trained so
    /// (<c>ResNetTrainer.Options.ApplyExifOrientation</c>, <c>resnet train --exif-orientation</c>).
    /// </value>
    public bool ApplyExifOrientation { get; init; }

    /// <summary>Gets the probability that the best class of an image must have; below it the answer says <c>"unsure": true</c>.</summary>
    /// <value>
    /// The default is 0: never unsure. No other value suits every model: how often an answer of 60 % is right is in the calibration part of
    /// the model's report. Take the probability from which on enough answers are right for you.
    /// </value>
    [Range(0f, 1f)]
    public float UnsureBelow { get; init; }

    /// <summary>Gets how long a request may take, from its header to its answer.</summary>
    /// <value>The default is 30 seconds.</value>
    [Range(typeof(TimeSpan), "00:00:00.1", "01:00:00")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Gets the most bytes of the model file. It is read into memory.</summary>
    /// <value>The default is 1 GiB.</value>
    [Range(1, 2_000_000_000)]
    public int MaxModelBytes { get; init; } = 1 << 30;

    /// <summary>
    /// Gets how often the model file is looked at. It is looked at, not watched by the system's events, since those
    /// do not come from network and container mounts.
    /// </summary>
    /// <value>The default is one second.</value>
    [Range(typeof(TimeSpan), "00:00:00.01", "01:00:00")]
    public TimeSpan ModelPollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Gets the full path of the model file.</summary>
    public string ModelPath => Path.GetFullPath(Model ?? Path.Combine(AppContext.BaseDirectory, "data", "model.zip"));

    /// <summary>Reads the options.</summary>
    /// <exception cref="ValidationException">
    /// A value is out of its range or of another type, there is no option of a name, or the model is missing.
    /// </exception>
    public static ServiceOptions From(IConfiguration configuration)
    {
        try
        {
            var options = configuration.GetSection(Section).Get<ServiceOptions>(binder => binder.ErrorOnUnknownConfiguration = true)
                ?? new ServiceOptions();
            Validator.ValidateObject(options, new ValidationContext(options), validateAllProperties: true);
            return options;
        }
        catch (InvalidOperationException exception)
        {
            throw new ValidationException(exception.Message, exception);
        }
    }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Data is not null && Model is null)
        {
            yield return new ValidationResult("--data needs --model: the file that the trained model is saved to.");
        }
        else if (Data is not null && !Directory.Exists(Data))
        {
            yield return new ValidationResult($"There is no image folder '{Data}' (looked in '{Path.GetFullPath(Data)}').");
        }
        else if (Data is null && Model is not null && !File.Exists(Model))
        {
            yield return new ValidationResult(
                $"There is no model '{Model}' (looked in '{ModelPath}'). Train one with samples/QuickStart, "
                + "name a folder to train on with --data, or leave --model out to train on drawn shapes.");
        }
    }
}
