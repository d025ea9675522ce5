namespace WebApp.Api;

/// <summary>An image file that was sent.</summary>
/// <param name="Name">The name that it was sent with; empty for a raw body.</param>
/// <param name="Content">The file.</param>
internal readonly record struct Upload(string Name, ReadOnlyMemory<byte> Content);
